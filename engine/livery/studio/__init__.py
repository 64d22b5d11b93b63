"""Looking at packs: every message a pack can make, drawn as its readers would see it.

Owns the enumeration of what there is to see (`cases`), the throw-away engine that renders it (`bench`), the drawings
(`mail`, `slack`, `teams`, `data`), the pages they stand in (`pages`), the static site a reseller signs off (`gallery`)
and the local server that follows a designer's edits (`live`, `server`). Sends nothing and opens no store.

Whatever is drawn here is hostile: event texts come from strangers, packs from people nobody knows. Drawings of ours
escape everything; an e-mail is shown in a sandboxed frame that runs no script and fetches nothing.
"""
