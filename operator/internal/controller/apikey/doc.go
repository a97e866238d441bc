// Package apikey reconciles one ApiKey: it observes the ApiKey, its ledgers, its target Secret and the tenant's keys,
// decides on one action, performs it, and begins again until there is nothing left to do.
//
// Reading order: observation.go and action.go hold the vocabulary; decide.go and its siblings are pure and hold the
// promises; engine.go is the loop; observe.go and act.go touch the two servers, through the interfaces of world.go
// alone. Everything may stop between any two calls of those interfaces, so whatever must survive is in a ledger.
// controller.go runs the loop for what sources.go and inbox.go bring in, and writes down its outcome: status.go and
// conditions.go say in what words, events.go what people and metrics are told of.
//
// The words used throughout: a ledger is one immutable Secret that records one key with its plaintext; the target is
// the Secret that consumers read, a projection of a ledger; a stray is a live key with this ApiKey's marker that no
// ledger records.
package apikey
