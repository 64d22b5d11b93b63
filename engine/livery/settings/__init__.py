"""Settings: what each level says about an event type and channel, and what that comes to for a seller.

Only differences are ever kept; resolution walks platform → distributor → seller, field by field, and remembers
where each value comes from. Pure: no store, no channel and no clock is known here.
"""
