"""`driftline compare --vary`: does a comparison come out the same in other worlds?

`api.py` (`driftline.vary`), `variations.py` (what changes), `signs.py` (whether the sign holds).
"""
