#!/usr/bin/env bash
# Who may ask: API keys, tokens, scopes per route, tenants bound to credentials, rates and shares per tenant, TLS and client certificates; nothing secret is
# printed, and an outage of Redis does not end authentication.
set -euo pipefail
here="$(dirname "${BASH_SOURCE[0]}")"
"$here/vitest.sh" packages/serving pure test/auth/key-file.test.ts test/auth/api-keys.test.ts test/auth/tokens.test.ts \
  test/admission/rate-limit.property.test.ts test/admission/fair-share.test.ts test/routes/rate-limits.test.ts test/routes/limits.test.ts test/tls.test.ts
"$here/vitest.sh" packages/larder pure test/cli/keys.test.ts test/listen-address.test.ts
exec "$here/vitest.sh" packages/serving servers test/routes/auth-outage.redis.test.ts
