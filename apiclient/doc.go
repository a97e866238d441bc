// Package apiclient is a typed client of the Better Data API's key management: it lists, creates, updates, revokes
// and rotates API keys. It knows nothing of Terraform or Kubernetes; both components of this project stand on it.
//
//	client, err := apiclient.New(apiclient.WithTokenSource(apiclient.TokenFile("/run/secrets/betterdata")))
//	issued, err := client.CreateKey(ctx, apiclient.CreateKeyRequest{
//		Name:   "Forecast reader",
//		Scopes: []string{"inventory:read"},
//	})
//	store(issued.Plaintext.Reveal()) // shown once: make it durable before anything else
//
// # Errors
//
// Every answer other than 2xx, and every 2xx that cannot be understood, is an [*Error]. An unknown shape is an error
// and never an empty list: to the callers an absent key is a key to replace.
//
// Create and rotate issue a secret that is shown once, so a lost answer is worse than a failed call. Their errors
// are of three kinds:
//   - refused: an [*Error] with a 4xx status. Nothing was issued; the same call would be refused again.
//   - not executed: errors.Is(err, [ErrNotExecuted]). Nothing was issued; the call may be made again.
//   - unknown: errors.Is(err, [ErrOutcomeUnknown]). A key may live whose plaintext nobody has. Find it by the
//     [Marker] in its name and revoke it.
//
// # Retries
//
// List, update and revoke are repeated after connection errors and 5xx answers, with exponential backoff and jitter
// ([RetryPolicy]). Create and rotate are repeated only while no connection was obtained; from then on a request may
// have been executed. They use a fresh connection for each call and a body that cannot be rewound, because Go's
// HTTP stacks resend a request by themselves when they can.
//
// # Pace
//
// The quota belongs to the credential, which other processes use too, so the answers' headers are the truth:
// requests wait in a priority queue until the last answers say that there is room. A 429 is waited out and counts as
// no failure. [WithNonBlockingQuota] turns each such wait into a [*QuotaError] that says when to come back.
//
// # Reading
//
// The only documented read is the listing. [Directory] makes one complete listing serve any number of readers and
// folds this client's own writes into it.
//
// The policy of retries and pace may change between releases; the three kinds of errors will not.
package apiclient
