// Package functions holds the provider's functions: scope_allows, parse_key and mask_key. They work without a
// configured provider and send nothing.
//
// No result and no error of theirs holds the secret part of a key. Terraform makes the result of a function sensitive
// when an argument is, so what they leave in is shown only where a configuration says nonsensitive().
package functions
