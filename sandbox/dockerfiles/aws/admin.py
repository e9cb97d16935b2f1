"""Call the account's API as its administrator: `[[service, operation, parameters], ...]` in, the answers out."""
# mypy: ignore-errors

import json
import os
import sys

import boto3

REPEATED = ("ImageAlreadyExistsException",)

with open("/aws/users.json") as file:
    key = next(user["key"] for user in json.load(file) if user["name"] == "admin")
session = boto3.Session(key["id"], key["secret"], region_name=os.environ["REGION"])
answers = []
for service, operation, parameters in json.load(sys.stdin):
    client = session.client(service, verify="/tls/ca.pem")
    try:
        answers.append(getattr(client, operation)(**parameters))
    except client.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in REPEATED:
            sys.exit(str(error))
print(json.dumps(answers, default=str))
