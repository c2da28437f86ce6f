"""How runs are judged: metrics, drift measures, paired comparison and the report."""
