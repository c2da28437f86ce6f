"""`driftline compare --vary`: does a comparison come out the same in other worlds?"""
