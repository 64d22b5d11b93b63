"""The nouns, frozen, in the order of the flow: event, tenant, audience, notification, message, delivery."""
