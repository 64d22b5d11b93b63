"""Renderers over one model: e-mail, Block Kit, Adaptive Card, plain text, JSON; `message` picks one.

A new channel picks a format and needs no pack work.
"""
