"""Score a claim with evidence by the client that openapi-python-client made of the server's document; print the answer."""

from __future__ import annotations

import json
import sys

from claimvet_client import AuthenticatedClient
from claimvet_client.api.claims import score
from claimvet_client.models import ClaimToScore, Decision

address, authorization, claim = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=authorization.removeprefix("Bearer "))
answer = score.sync_detailed(client=client, body=ClaimToScore.from_dict(json.loads(claim)), idempotency_key="py")
decision = answer.parsed
assert isinstance(decision, Decision), answer.content
sys.stdout.write(
    json.dumps({"status": answer.status_code, "claim_id": decision.claim_id, "reasons": len(decision.reasons)})
)
