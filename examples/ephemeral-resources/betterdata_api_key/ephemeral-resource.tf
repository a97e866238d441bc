# A key for this run alone: issued when something needs it, revoked when nothing does any more.
ephemeral "betterdata_api_key" "session" {
  name   = "Terraform of the warehouse team"
  scopes = ["admin:read", "admin:write"]
}

# A provider may log in with it. Its own credential is then one that dies with the run.
provider "betterdata" {
  alias = "session"
  token = ephemeral.betterdata_api_key.session.plaintext_key
}

resource "betterdata_api_key" "reader" {
  provider = betterdata.session
  name     = "Warehouse reader"
  scopes   = ["inventory:read"]
}
