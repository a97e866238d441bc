# Keys of runs that were killed before they could revoke them: no run takes a day.
data "betterdata_api_keys" "leftovers" {
  live       = true
  name_regex = "\\(ephemeral\\)"
  older_than = "24h"
}

output "leftover_key_ids" {
  value = data.betterdata_api_keys.leftovers.ids
}
