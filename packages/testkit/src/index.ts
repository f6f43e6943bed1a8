export { type Certificates, makeCertificates } from "./certificates.ts";
export { findServer, type RedisProgram } from "./find-server.ts";
export {
  type CommandEnd,
  type DocumentBlock,
  documentBlocks,
  followGuide,
  type GuideReader,
} from "./follow-guide.ts";
export { freePort, LOOPBACK } from "./free-port.ts";
export {
  type KafkaCompression,
  type KafkaHand,
  type KafkaRecord,
  type KafkaRight,
  type KafkaTopicOptions,
  kafkaHand,
} from "./kafka-hand.ts";
export type { KafkaNode } from "./kafka-node.ts";
export { type KafkaOptions, type KafkaServer, startKafka } from "./kafka-server.ts";
export { type LeakCheck, startLeakCheck } from "./leak-check.ts";
export { type LogicalClock, logicalClock } from "./logical-clock.ts";
export {
  type ChildHandle,
  type ProcessEnd,
  type ProcessOptions,
  type ProcessResult,
  runProcess,
  startProcess,
} from "./process.ts";
export { type RedisCluster, type RedisClusterOptions, startRedisCluster } from "./redis-cluster.ts";
export { type RedisReply, redisCommand } from "./redis-command.ts";
export {
  type RedisSentinel,
  type RedisSentinelOptions,
  type SentinelProcess,
  startSentinel,
} from "./redis-sentinel.ts";
export { type RedisOptions, type RedisServer, startRedis } from "./redis-server.ts";
export { type S3Server, startS3 } from "./s3-server.ts";
export {
  type PropertySettings,
  propertySettings,
  type SeededRandom,
  seededRandom,
  testRuns,
  testSeed,
} from "./seed.ts";
export { type SparkConnectServer, startSail, startSpark } from "./spark-connect.ts";
export { startTcpProxy, type TcpProxy, type TcpTarget } from "./tcp-proxy.ts";
export { type TemporaryFolder, temporaryFolder } from "./temporary-folder.ts";
export { until } from "./until.ts";
export { utf8Locale } from "./utf8-locale.ts";
