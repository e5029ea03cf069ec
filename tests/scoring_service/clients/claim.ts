// Scores a claim with evidence, typed by what openapi-typescript made of the server's document; prints the answer.
import type { components, paths } from "./schema";

type Claim = components["schemas"]["ClaimToScore"];
type Decision = paths["/v1/claims/score"]["post"]["responses"]["200"]["content"]["application/json"];
declare const process: { argv: string[]; exitCode: number };

const [, , address, authorization] = process.argv;
const evidence: components["schemas"]["EvidenceOfClaim"] = { evidence_id: "E-TS", kind: "photo", content_hash: "9f2c" };
const claim: Claim = {
  claim_id: "CL-TS",
  customer_id: "C-1",
  seller_id: "S-1",
  product_id: "P-1",
  filed_at: new Date(Date.UTC(2026, 1, 21)).toISOString(),
  claim_type: "property_damage",
  amount_claimed: 240,
  evidence: [evidence],
};
const answer = await fetch(`${address}/v1/claims/score`, {
  method: "POST",
  headers: { authorization: authorization ?? "", "content-type": "application/json", "idempotency-key": "ts" },
  body: JSON.stringify(claim),
});
const decision = (await answer.json()) as Decision;
const reasons: string[] = decision.reasons.map((reason) => reason.text);
console.log(JSON.stringify({ status: answer.status, claim_id: decision.claim_id, reasons: reasons.length }));
