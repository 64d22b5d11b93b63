"""The directory: who the people are that selectors stand for. Owns Livery's own, and asking the host's.

Everything in it is a tenant's: a customer of one seller does not exist for another.
"""
