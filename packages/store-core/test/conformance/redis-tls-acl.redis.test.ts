import { makeCertificates } from "@larder/testkit";
import { documentedRule } from "../stores/redis/documented-rule.ts";
import { oneServer, redisSuite } from "./redis-suite.ts";

// Everything at a door at once: TLS with a private CA and a client's certificate, and a user who may do no more than docs/redis.md says, on
// its own prefix alone. The suite uses the projects p, q and such, so the prefix is Larder's, not one project's.
const certificates = await makeCertificates();
const acl = [
  "user default off",
  "user admin on >root ~* &* +@all",
  `user larder on >s3cret ~l:* &l::* ${documentedRule()}`,
];

const tested = await oneServer("redis (TLS, ACL)", {}, { tls: certificates, acl, args: ["--tls-auth-clients", "yes"] });
const { ca, clientCert, clientKey } = certificates;
const files = `ssl=true,ssl_ca_certs=${ca},ssl_certfile=${clientCert},ssl_keyfile=${clientKey}`;
const { connectionString } = tested.place;

redisSuite({
  ...tested,
  place: { connectionString: `${connectionString},${files},username=larder,password=s3cret` },
  behind: { connectionString: `${connectionString},${files},username=admin,password=root` },
  async stop() {
    await tested.stop();
    await certificates.remove();
  },
});
