"""What slates and trajectories share: long tables as arrays (`rows.py`), and what weights say (`weights.py`)."""
