"""What the name of a file ends in, by media type. A list of our own: the machine's would give captured data names under
which a desktop runs it."""

_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "application/geo+json": ("geojson", "json"),
    "application/gzip": ("gz",),
    "application/msgpack": ("msgpack",),
    "application/pdf": ("pdf",),
    "application/protobuf": ("pb",),
    "application/sql": ("sql",),
    "application/toml": ("toml",),
    "application/vnd.apache.avro": ("avro",),
    "application/vnd.apache.parquet": ("parquet",),
    "application/vnd.google.protobuf": ("pb",),
    "application/vnd.ms-excel": ("xls",),
    "application/vnd.oasis.opendocument.spreadsheet": ("ods",),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ("xlsx",),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ("docx",),
    "application/x-msgpack": ("msgpack",),
    "application/x-ndjson": ("ndjson", "jsonl"),
    "application/x-parquet": ("parquet",),
    "application/x-protobuf": ("pb",),
    "application/x-www-form-urlencoded": ("form.txt", "txt"),
    "application/x-yaml": ("yaml", "yml"),
    "application/xml": ("xml",),
    "application/yaml": ("yaml", "yml"),
    "application/zip": ("zip",),
    "application/zstd": ("zst",),
    "image/gif": ("gif",),
    "image/jpeg": ("jpg", "jpeg"),
    "image/png": ("png",),
    "image/webp": ("webp",),
    "text/calendar": ("ics",),
    "text/csv": ("csv",),
    "text/html": ("html", "htm"),
    "text/markdown": ("md", "markdown"),
    "text/tab-separated-values": ("tsv",),
    "text/vcard": ("vcf",),
    "text/xml": ("xml",),
    "text/yaml": ("yaml", "yml"),
}


def extensions(media_type: str) -> tuple[str, ...]:
    """The extension for a media type, without its dot, and behind it others that say the same."""
    essence = media_type.partition(";")[0].strip().lower()
    found = _EXTENSIONS.get(essence)
    if found is not None:
        return found
    if essence.endswith(("/json", "+json")):
        return ("json",)
    if essence.endswith("+xml"):
        return ("xml",)
    return ("txt",) if essence.startswith("text/") else ("bin",)
