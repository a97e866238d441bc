# By the key's id. The plaintext stays unknown, because the API never shows it again; rotate_on_import = true obtains
# a new one with the first apply.
terraform import betterdata_api_key.forecast key_123
