"""Every command of `entrepot`: its name, the module that holds it, what it is for.

The summaries stand here and not in the modules so that `entrepot --help` imports none of them.
"""

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Entry:
    """One command. `module` is below `entrepot_api.cli`; `panel` is the heading it is listed under."""

    name: str
    module: str
    panel: str
    summary: str


CAPTURE, LOOK_UP, PUT_BACK, KEEP, OPERATE = "Capture", "Look up", "Put back", "Keep", "Operate"

COMMANDS: tuple[Entry, ...] = (
    Entry("up", "up", CAPTURE, "Run proxy, shipper and API together on one machine."),
    Entry("proxy", "proxy", CAPTURE, "Run the capture proxy."),
    Entry("ship", "ship", CAPTURE, "Move captures from the spool into vault and catalog."),
    Entry("serve", "serve", CAPTURE, "Run the HTTP API."),
    Entry("run", "run", CAPTURE, "Run a program through the proxy."),
    Entry("import", "importing", CAPTURE, "Take in recorded traffic: a HAR or mitmproxy flow file."),
    Entry("exchanges", "exchanges", LOOK_UP, "List captured exchanges."),
    Entry("exchange", "exchange", LOOK_UP, "Show one exchange whole."),
    Entry("payload", "payload", LOOK_UP, "Write the body of a request or a response."),
    Entry("documents", "documents", LOOK_UP, "List documents."),
    Entry("versions", "versions", LOOK_UP, "List the versions of a document."),
    Entry("show", "show", LOOK_UP, "Write a document as of a moment."),
    Entry("diff", "diff", LOOK_UP, "Show what differs between two versions."),
    Entry("tree", "tree", LOOK_UP, "List a product's documents as of a moment."),
    Entry("products", "products", LOOK_UP, "List the products seen in the traffic."),
    Entry("export", "export", LOOK_UP, "Write exchanges as warc.gz, HAR or a mitmproxy flow file."),
    Entry("checkout", "checkout", PUT_BACK, "Write a product's documents as of a moment as files."),
    Entry("replay", "replay", PUT_BACK, "Send captured requests to a target and compare the answers."),
    Entry("restore", "restore", PUT_BACK, "Bring documents to what they were at a moment."),
    Entry("drill", "drill", PUT_BACK, "Rehearse a restoration: start, replay, verify, stop."),
    Entry("simulate", "simulate", PUT_BACK, "Answer in the place of a lost product."),
    Entry("coverage", "coverage", KEEP, "Show which traffic is protected, and which is not."),
    Entry("rules", "rules", KEEP, "Check and explain the rules; preview changed ones."),
    Entry("ledger", "ledger", KEEP, "Show the counts that prove completeness."),
    Entry("gaps", "gaps", KEEP, "Show where captures are missing; acknowledge it."),
    Entry("compact", "compact", KEEP, "Merge small segments into large ones."),
    Entry("prune", "prune", KEEP, "Show what goes by the rules, and let it go."),
    Entry("pin", "pin", KEEP, "Keep a version, whatever the rules say."),
    Entry("unpin", "unpin", KEEP, "Let the rules decide on a pinned version again."),
    Entry("pins", "pins", KEEP, "List pinned versions."),
    Entry("hold", "hold", KEEP, "List, place and release legal holds."),
    Entry("expunge", "expunge", KEEP, "Take payloads out for good."),
    Entry("reindex", "reindex", KEEP, "Read what is stored again by the rules now in force."),
    Entry("rebuild-catalog", "rebuild", KEEP, "Make the catalog anew from the vault alone."),
    Entry("status", "status", OPERATE, "Show how each part is doing."),
    Entry("token", "token", OPERATE, "Create, list and revoke API tokens."),
    Entry("ca", "ca", OPERATE, "Show where the proxy's CA certificate is, or print it."),
    Entry("addon-path", "addon_path", OPERATE, "Print the path of the addon for a stock mitmproxy."),
)
