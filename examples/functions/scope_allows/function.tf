data "betterdata_api_keys" "live" {
  live = true
}

# Which live keys may change the inventory, be it by a wildcard?
output "inventory_writers" {
  value = [
    for key in data.betterdata_api_keys.live.keys : key.name
    if provider::betterdata::scope_allows(key.scopes, "inventory:write")
  ]
}

# True: the wildcard of an area grants each of its actions.
output "wildcard" {
  value = provider::betterdata::scope_allows(["inventory:*"], "inventory:read")
}

# False: single scopes do not add up to a wildcard, which also covers actions that do not exist yet.
output "sum" {
  value = provider::betterdata::scope_allows(["inventory:read", "inventory:write"], "inventory:*")
}
