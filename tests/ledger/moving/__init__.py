"""Tests of profiles and accounts that leave one log and arrive in another."""
