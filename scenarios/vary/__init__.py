"""`driftline compare --vary`: does a comparison come out the same in other worlds?

`api.py` (`driftline.vary`), `variations.py` (what changes), `outcome.py` (whether the sign holds).
"""
