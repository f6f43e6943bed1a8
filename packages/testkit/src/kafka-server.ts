import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Certificates } from "./certificates.ts";
import { freePort, LOOPBACK, onFreePort } from "./free-port.ts";
import { type KafkaHand, kafkaHand } from "./kafka-hand.ts";
import { CLUSTER_ID, type KafkaNode, layOut, type NodePlan, startNode, writeProperties } from "./kafka-node.ts";
import { runProcess } from "./process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** What a test may change about its Kafka. */
export interface KafkaOptions {
  /** Default: 1. With 3, topics have three replicas of which two must have a record. */
  readonly brokers?: 1 | 3;
  /** User -> password: a second listener then asks for SASL PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512. */
  readonly users?: Readonly<Record<string, string>>;
  /** The second listener speaks TLS with these. */
  readonly tls?: Certificates;
  /** Whoever comes by the second listener may only do what {@link KafkaHand.allow} has allowed. */
  readonly acl?: boolean;
  /** Added to every broker's `server.properties`: `{ "message.max.bytes": "20000000" }`. */
  readonly properties?: Readonly<Record<string, string>>;
}

/**
 * A Kafka of the test's own, on loopback ports. Topics are not made on first use; sessions may be as short as 500 ms, in classic groups and in those of
 * the newer protocol.
 */
export interface KafkaServer extends KafkaHand {
  /** `host:port` of each broker, without TLS or credentials; whoever comes by these may do everything. */
  readonly brokers: readonly string[];
  /** The second listener, as `users`, `tls` and `acl` say; empty without them. */
  readonly secureBrokers: readonly string[];
  readonly nodes: readonly KafkaNode[];
  /** {@link KafkaNode.kill} and {@link KafkaNode.restart} of all brokers. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  restart(): Promise<void>;
  /** Ends the brokers and removes their data. */
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a real Kafka in two to three seconds. It never outlives this process. Fails with the remedy when there is none. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const home = findKafka();
  const folder = await temporaryFolder();
  try {
    // A port that somebody else took meanwhile is in the log of the broker that wanted it, and all begin anew.
    return await onFreePort((port) => startOn(port, home, folder.path, options, folder.remove));
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

const SECURE = "SECURE";

async function startOn(
  firstPort: number,
  home: string,
  folder: string,
  options: KafkaOptions,
  remove: () => Promise<void>,
): Promise<KafkaServer> {
  const count = options.brokers ?? 1;
  const secured = options.users !== undefined || options.tls !== undefined || options.acl === true;
  const ports: NodePorts[] = [];
  for (let i = 0; i < count; i++) {
    const ways = { plain: i === 0 ? firstPort : await freePort(), controller: await freePort() };
    ports.push(secured ? { ...ways, secure: await freePort() } : ways);
  }
  const voters = ports.map(({ controller }, i) => `${i + 1}@${LOOPBACK}:${controller}`).join(",");
  const secure = secured ? await secureProperties(folder, options) : {};
  const plans = ports.map((own, i): NodePlan => {
    const id = i + 1;
    const place = join(folder, `${firstPort}-${id}`);
    const properties = { ...nodeProperties(id, own, join(place, "data"), count), ...secure, ...options.properties };
    return {
      home,
      id,
      folder: place,
      heapMegabytes: count === 1 ? 384 : 256,
      properties: { ...properties, "controller.quorum.voters": voters },
    };
  });
  const checkpoint = await checkpointFor(home, folder, plans, options.users);
  const nodes: Awaited<ReturnType<typeof startNode>>[] = [];
  const killAll = async (signal?: NodeJS.Signals) => {
    await Promise.all(nodes.map((node) => node.kill(signal)));
  };
  try {
    for (const plan of plans) {
      await layOut(plan, checkpoint);
      nodes.push(await startNode(plan));
    }
    await Promise.all(nodes.map((node) => node.ready()));
  } catch (error) {
    await killAll();
    throw error;
  }
  const brokers = ports.map(({ plain }) => `${LOOPBACK}:${plain}`);
  const stop = async () => {
    await killAll();
    await remove();
  };
  return {
    ...kafkaHand(brokers),
    brokers,
    secureBrokers: ports.flatMap((own) => (own.secure === undefined ? [] : [`${LOOPBACK}:${own.secure}`])),
    nodes,
    kill: killAll,
    async restart() {
      await killAll();
      // Two of three must be there before the first serves.
      await Promise.all(nodes.map((node) => node.restart()));
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

interface NodePorts {
  readonly plain: number;
  readonly controller: number;
  readonly secure?: number;
}

function nodeProperties(id: number, ports: NodePorts, data: string, count: number): Record<string, string> {
  const replicas = String(count);
  const inSync = count === 1 ? "1" : "2";
  const secure = ports.secure === undefined ? "" : `,${SECURE}://${LOOPBACK}:${ports.secure}`;
  const listeners = `PLAINTEXT://${LOOPBACK}:${ports.plain}${secure}`;
  return {
    "process.roles": "broker,controller",
    "node.id": String(id),
    listeners: `${listeners},CONTROLLER://${LOOPBACK}:${ports.controller}`,
    "advertised.listeners": listeners,
    "inter.broker.listener.name": "PLAINTEXT",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": data,
    "num.partitions": "4",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "default.replication.factor": replicas,
    "min.insync.replicas": inSync,
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": replicas,
    "transaction.state.log.num.partitions": "2",
    "transaction.state.log.replication.factor": replicas,
    "transaction.state.log.min.isr": inSync,
    "share.coordinator.state.topic.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": replicas,
    "share.coordinator.state.topic.min.isr": inSync,
    "auto.create.topics.enable": "false",
    // Tests of sessions that end shall not wait for the usual six seconds, nor a group for its first members.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "500",
    "group.consumer.min.session.timeout.ms": "500",
    "group.consumer.session.timeout.ms": "6000",
    "group.consumer.min.heartbeat.interval.ms": "100",
    "group.consumer.heartbeat.interval.ms": "500",
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.segment.bytes": "67108864",
    "broker.session.timeout.ms": "1500",
    "broker.heartbeat.interval.ms": "300",
  };
}

async function secureProperties(folder: string, options: KafkaOptions): Promise<Record<string, string>> {
  const { users, tls, acl } = options;
  const protocol = `${users === undefined ? "" : "SASL_"}${tls === undefined ? "PLAINTEXT" : "SSL"}`;
  const own: Record<string, string> = {
    "listener.security.protocol.map": `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,${SECURE}:${protocol}`,
  };
  const prefix = `listener.name.${SECURE.toLowerCase()}`;
  if (users !== undefined) {
    const security = "org.apache.kafka.common.security";
    const known = Object.entries(users).map(([name, password]) => ` user_${name}="${password}"`);
    own["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";
    own[`${prefix}.plain.sasl.jaas.config`] = `${security}.plain.PlainLoginModule required${known.join("")};`;
    for (const mechanism of ["scram-sha-256", "scram-sha-512"]) {
      own[`${prefix}.${mechanism}.sasl.jaas.config`] = `${security}.scram.ScramLoginModule required;`;
    }
  }
  if (tls !== undefined) {
    const store = join(folder, "server.pem");
    await writeFile(store, (await readFile(tls.serverKey, "utf8")) + (await readFile(tls.serverCert, "utf8")));
    own[`${prefix}.ssl.keystore.type`] = "PEM";
    own[`${prefix}.ssl.keystore.location`] = store;
    own[`${prefix}.ssl.truststore.type`] = "PEM";
    own[`${prefix}.ssl.truststore.location`] = tls.ca;
    own[`${prefix}.ssl.client.auth`] = "requested";
  }
  if (acl === true) {
    own["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer";
    own["super.users"] = "User:ANONYMOUS";
  }
  return own;
}

/** The checkpoint that came with the installation; with users one that knows their SCRAM credentials, which only Kafka's tool can make. */
async function checkpointFor(
  home: string,
  folder: string,
  [plan]: readonly NodePlan[],
  users: KafkaOptions["users"],
): Promise<string> {
  if (users === undefined || plan === undefined) return join(home, "bootstrap.checkpoint");
  const data = join(folder, "formatted");
  await writeProperties({ ...plan, folder: data, properties: { ...plan.properties, "log.dirs": data } });
  const credentials = Object.entries(users).flatMap(([name, password]) =>
    ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((kind) => [
      "--add-scram",
      `${kind}=[name=${name},password=${password}]`,
    ]),
  );
  const java = ["-XX:SharedArchiveFile=classes.jsa", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", "lib/*"];
  const format = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", join(data, "server.properties")];
  const options = { cwd: home, ms: 120_000 };
  const { code, stderr } = await runProcess("java", [...java, ...format, ...credentials], options);
  if (code !== 0) throw new Error(`Kafka's StorageTool failed: ${stderr}`);
  return join(data, "__cluster_metadata-0", "00000000000000000000-0000000000.checkpoint");
}

function findKafka(): string {
  const cache = process.env["LARDER_CACHE"];
  const home = cache === undefined ? undefined : join(cache, "servers", "kafka");
  if (home !== undefined && existsSync(join(home, "lib"))) return home;
  const looked = home === undefined ? "LARDER_CACHE is not set" : `${home} is not there`;
  throw new Error(`There is no Kafka: ${looked}. Run "node scripts/servers/install.mjs kafka".`);
}
