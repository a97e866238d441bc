# By hand, when a key has leaked:
#   terraform apply -invoke=action.betterdata_api_key_revoke.leaked
action "betterdata_api_key_revoke" "leaked" {
  config {
    id = "key_123"
  }
}
