import type { Broker, Cluster, PartitionAssigner } from "kafkajs";
import type { Generation } from "../event-source.ts";

/** A member's seat in its group, which kafkajs keeps to itself. */
export interface Membership {
  /** The generation that the member has joined last. */
  readonly generation: Generation | undefined;
  /** The broker that coordinates the group. */
  readonly coordinator: GroupCoordinator | undefined;
  /** To be given to the consumer as its one assigner. */
  readonly assigner: PartitionAssigner;
}

/** What kafkajs's brokers do, though its types leave out a part. */
export interface GroupCoordinator extends Broker {
  joinGroup(request: {
    readonly memberId: string;
  }): Promise<{ readonly generationId: number; readonly memberId: string }>;
  heartbeat(request: {
    readonly groupId: string;
    readonly memberId: string;
    readonly groupGenerationId: number;
  }): Promise<unknown>;
}

/**
 * Watches a consumer join its group. kafkajs tells no listener the generation, and commits under whichever it has at that moment, retries included: a
 * commit that was begun before a rebalance could arrive after it under the new generation's name. It also joins again as soon as it learns of a
 * rebalance. Both are mended from the one place where it hands out its cluster: to the assigner of partitions.
 *
 * `beforeJoin` is awaited before the member lets go of what it has; `memberId` is empty when the group has forgotten it.
 */
export function watchMembership(
  roundRobin: PartitionAssigner,
  beforeJoin: (memberId: string) => Promise<void>,
): Membership {
  const watched = new WeakSet<Broker>();
  const seat: { -readonly [K in keyof Membership]: Membership[K] } = {
    generation: undefined,
    coordinator: undefined,
    assigner: (config) => {
      const { cluster } = config;
      const find = cluster.findGroupCoordinator.bind(cluster);
      cluster.findGroupCoordinator = async (group: Parameters<Cluster["findGroupCoordinator"]>[0]) => {
        const broker = await find(group).catch(async (error: unknown) => {
          // "Not found" stands for every refusal. Any broker, asked about the group, says whether it is a matter of rights.
          const [nodeId] = cluster.getNodeIds();
          if (nodeId !== undefined) {
            const any = await cluster.findBroker({ nodeId: String(nodeId) });
            await any.describeGroups({ groupIds: [group.groupId] });
          }
          throw error;
        });
        if (!isCoordinator(broker)) throw new TypeError("kafkajs's brokers do not join groups. Install kafkajs@2.2.4.");
        seat.coordinator = broker;
        if (!watched.has(broker)) watchJoins(broker);
        watched.add(broker);
        return broker;
      };
      return roundRobin(config);
    },
  };
  const watchJoins = (broker: GroupCoordinator) => {
    const join = broker.joinGroup.bind(broker);
    broker.joinGroup = async (request) => {
      await beforeJoin(request.memberId);
      const joined = await join(request);
      seat.generation = { id: joined.generationId, memberId: joined.memberId };
      return joined;
    };
  };
  return seat;
}

function isCoordinator(broker: Broker): broker is GroupCoordinator {
  return "joinGroup" in broker && "heartbeat" in broker;
}
