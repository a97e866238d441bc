# Keys without a marker: those made by hand, and those that Terraform manages with its default name_marker, here or
# elsewhere. To take over the ones that nothing manages yet, generate their configuration and keep those:
#   terraform query -generate-config-out=keys.tf
list "betterdata_api_key" "unmarked" {
  provider = betterdata

  config {
    name_regex = "^[^\\[]*$"
  }
}
