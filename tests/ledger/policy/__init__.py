"""Tests of the policy engine, notice by notice and rule by rule."""
