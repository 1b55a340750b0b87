"""What operators and dashboards are shown of the synchronisation."""
