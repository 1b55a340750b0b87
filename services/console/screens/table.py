"""The table of screens, in the order of the menu: a new screen is a module, its templates, its words, and a line here."""

from services.console.pages import Screen
from services.console.screens import certificates, my_education, work

SCREENS: tuple[Screen, ...] = (my_education.SCREEN, certificates.SCREEN, work.SCREEN)
