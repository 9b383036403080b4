"""Coverage: which traffic there is, what protects it, and what of it has changed.

What a shipment adds is tallied by `tally`, over paths made comparable by `segments`, and stored by
`catalog.sql.flow_counts`, in the shipment's own transaction. From there it is read: `templates` makes path templates
of what was seen, `present` asks the rules in force, `report` puts flows together, `shapes` says what payloads look
like and how that changed, `classify` what kind of data a flow seems to carry, `suggest` and `noise` write rules.
`watch` runs beside the shipper, makes `events` of what is new, and `webhook` delivers them.

Everything that is stored comes out the same in whatever order captures arrive, so that a rebuild equals the original.
"""
