variable "hand_over" {
  description = "Whether this run issues a key to hand over. Set it for one apply, with -var hand_over=true."
  type        = bool
  default     = false
}

# A key that outlives the run: a plan revokes what it has opened, an apply leaves the key alive. Each apply with
# hand_over issues another one.
ephemeral "betterdata_api_key" "handed_over" {
  count = var.hand_over ? 1 : 0

  name            = "Warehouse scanner"
  scopes          = ["inventory:read"]
  revoke_on_close = !terraform.applying
}
