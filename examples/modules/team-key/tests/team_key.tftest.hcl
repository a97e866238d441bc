# terraform test (or: tofu test), with BETTERDATA_BASE_URL and BETTERDATA_TOKEN_FILE set to a sandbox. The keys of the
# test are real keys of that API; all are revoked when it ends.
variables {
  team    = "checkout"
  purpose = "stock levels"
  scopes  = ["inventory:read"]
}

run "create" {
  assert {
    condition     = output.id != "" && output.plaintext_key != "" && length(output.previous_keys) == 0
    error_message = "A new key has an id and a plaintext, and no predecessors."
  }
}

run "widen" {
  variables {
    scopes = ["inventory:read", "forecast:read"]
  }

  assert {
    condition     = length(output.previous_keys) == 0
    error_message = "Changing scopes must not replace the key."
  }
}

run "rotate" {
  variables {
    scopes     = ["inventory:read", "forecast:read"]
    generation = 2
  }

  assert {
    condition     = [for key in output.previous_keys : key.due] == [false] && !contains(output.previous_keys[*].id, output.id)
    error_message = "A new generation must be another key, and the old one must live on for the overlap."
  }
}

run "refuse_wildcards" {
  command = plan

  variables {
    scopes = ["inventory:*"]
  }

  expect_failures = [var.scopes]
}
