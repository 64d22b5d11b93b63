"""The steps of the flow, one function each; a step never calls a step."""
