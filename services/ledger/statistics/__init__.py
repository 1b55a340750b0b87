"""Statistics for dashboards: counts by place at every level, from read models, with the position they have reached."""
