"""The golden vectors, and what the page about producers says of them. `python3 tests/vectors.py VECTORS PAGE`"""

import glob
import json
import re
import sys

import msgpack

from till_payments import Till, credential, encode, fingerprint, partition, sign


def load(name):
    with open(f"{sys.argv[1]}/{name}", encoding="utf-8") as file:
        return json.load(file)


def revive(fields):
    """The bytes among the fields stand as hex:..."""
    return {name: bytes.fromhex(value[4:]) if str(value).startswith("hex:") else value for name, value in fields.items()}


def texts_of(answer):
    """As on the wire; what is empty there is left out."""
    texts = {**vars(answer), "replayed": "1" if answer.replayed else "0"}
    return {name: str(value) for name, value in texts.items() if value not in ("", None)}


def main():
    intents = [v for path in sorted(glob.glob(f"{sys.argv[1]}/intents-v1*.json")) for v in json.load(open(path, encoding="utf-8"))]
    for v in intents:
        data = bytes.fromhex(v["hex"])
        fields = msgpack.unpackb(data)
        assert fingerprint(fields) == v["fingerprint"], f"{v['name']}: {fingerprint(fields)}"
        assert msgpack.unpackb(encode(fields)) == fields, v["name"]
        assert fields == revive(v["fields"]), f"{v['name']}: {fields}"
        assert partition(fields["account"], 16) == v["partition_of_16"], v["name"]
    for v in load("partitions.json"):
        for partitions, wanted in v["of"].items():
            assert partition(v["account"], int(partitions)) == wanted, v["account"]
    for v in load("signatures.json"):
        assert sign(bytes.fromhex(v["secret"]), bytes.fromhex(v["hex"])).hex() == v["sig"], v["name"]
    for v in load("bulk-answers-v1.json"):
        entry = [value.encode() for value in v["entry"]]
        answers = [texts_of(answer) for answer in Till.answers_of(dict(reversed(list(zip(entry[::2], entry[1::2])))))]
        assert answers == v["answers"], f"{v['name']}: {answers}"
    credentials = load("credentials.json")
    try:
        for v in credentials[:2]:
            assert credential(bytes.fromhex(v["password_hex"]), v["account"], v["book"]).hex() == v["credential"], v["name"]
    except ImportError:
        print("no argon2-cffi here: credentials were not made")
    page = open(sys.argv[2], encoding="utf-8").read()
    quoted = re.findall(r"<!-- ([a-z0-9-]+\.json): (.+?): ([a-z0-9_.]+) -->\s+(\S+)", page)
    assert len(quoted) >= 6, "the page quotes vectors"
    for file, name, member, text in quoted:
        value = next(v for v in load(file) if v.get("name", v.get("account")) == name)
        for part in member.split("."):
            value = value[part]
        assert str(value) == text.strip("`"), f"{file}, {name}: the page says {text}, it is {value}"
    print(f"{len(intents)} intents, {len(quoted)} values of the page")


main()
