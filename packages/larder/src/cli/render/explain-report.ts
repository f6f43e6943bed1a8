import { stringifyJson } from "@larder/schema";
import type { Forecast, GroupReport, MemoryParts, RedisExplanation } from "@larder/store-core";
import { renderTable } from "./table.ts";

const PARTS = ["values", "header", "structure", "key", "expiry"] as const satisfies readonly (keyof MemoryParts)[];

/** Bytes and shares as numbers; null for what there is not. */
export function explanationJson(found: RedisExplanation): object {
  const { project, layout, servers, groups, alternatives, advised, forecast, notes } = found;
  return {
    project,
    layout,
    servers: servers.map(({ server, version, usedBytes, maxBytes, keys, listpackValue }) => ({
      server,
      version,
      used_bytes: usedBytes,
      max_bytes: maxBytes ?? null,
      keys,
      hash_max_listpack_value: listpackValue ?? null,
    })),
    tenants: groups.map(groupJson),
    alternatives: alternatives.map(({ name, bytesPerEntity, saves }) => ({
      name,
      bytes_per_entity: bytesPerEntity,
      saves,
    })),
    advised: advised?.name ?? null,
    forecast: forecast === undefined ? null : forecastJson(forecast),
    notes,
  };
}

function groupJson(group: GroupReport): object {
  return {
    tenant: group.tenant,
    join_keys: group.joinKeys ?? null,
    entities: group.entities,
    sampled: group.sampled,
    bytes: group.bytes,
    error: group.error,
    bytes_per_entity: group.bytesPerEntity,
    bytes_per_feature: group.bytesPerFeature,
    parts: group.parts,
    overhead: overheadOf(group),
    encodings: { listpack: group.listpackShare, hashtable: group.hashtableShare },
    expiring: group.expiringShare,
    views: group.views.map(({ view, rows, tombstones, expiring, dead, bytes, bytesPerRow, bytesPerFeature }) => ({
      view,
      rows,
      tombstones,
      expiring,
      dead,
      bytes,
      bytes_per_row: bytesPerRow,
      bytes_per_feature: bytesPerFeature,
    })),
    biggest: group.biggest,
  };
}

function forecastJson(forecast: Forecast): object {
  return {
    entities: forecast.entities,
    used_bytes: forecast.usedBytes,
    growing_bytes: forecast.growingBytes,
    fragmentation: forecast.fragmentation,
    node_bytes: forecast.nodeBytes,
    node_bytes_while_saving: forecast.nodeBytesWhileSaving,
  };
}

/** Tables, each about one question, and what to do. */
export function explanationText(found: RedisExplanation): string {
  const { servers, groups, alternatives, advised, forecast, notes } = found;
  const parts = [
    renderTable(
      ["server", "version", "used", "maxmemory", "keys"],
      servers.map(({ server, version, usedBytes, maxBytes, keys }) => [
        server,
        version,
        size(usedBytes),
        maxBytes === undefined ? "no limit" : size(maxBytes),
        keys,
      ]),
    ),
  ];
  if (groups.length === 0) parts.push("no entities\n");
  else {
    parts.push(groupsText(groups), partsText(groups), viewsText(groups), biggestText(groups));
    parts.push(
      renderTable(
        ["with", "bytes per entity", "saves"],
        alternatives.map(({ name, bytesPerEntity, saves }) => [name, bytesPerEntity.toFixed(0), percent(saves)]),
      ),
    );
  }
  if (forecast !== undefined) parts.push(forecastText(forecast, servers.length));
  if (advised !== undefined) {
    parts.push(
      `${advised.name} saves ${percent(advised.saves)}: set it in redis.conf and by CONFIG SET. Entities take it when they are restored from a DUMP or, once removed, written again\n`,
    );
  }
  if (notes.length > 0) parts.push(`${notes.join("\n")}\n`);
  return parts.join("\n");
}

function groupsText(groups: readonly GroupReport[]): string {
  return renderTable(
    ["tenant", "entities", "weighed", "bytes", "per entity", "per feature", "listpack", "expiring"],
    groups.map((group) => [
      nameOf(group),
      group.entities,
      group.sampled,
      `${size(group.bytes)}${group.error === 0 ? "" : ` +- ${percent(group.error)}`}`,
      group.bytesPerEntity.toFixed(0),
      group.bytesPerFeature.toFixed(1),
      percent(group.listpackShare),
      percent(group.expiringShare),
    ]),
  );
}

function partsText(groups: readonly GroupReport[]): string {
  return renderTable(
    ["tenant", ...PARTS, "overhead"],
    groups.map((group) => [
      nameOf(group),
      ...PARTS.map((part) => percent(group.parts[part] / group.bytes)),
      percent(overheadOf(group)),
    ]),
  );
}

function viewsText(groups: readonly GroupReport[]): string {
  return renderTable(
    ["tenant", "view", "rows", "expiring", "dead", "deletions", "bytes", "per row", "per feature"],
    groups.flatMap((group) =>
      group.views.map(({ view, rows, expiring, dead, tombstones, bytes, bytesPerRow, bytesPerFeature }) => [
        nameOf(group),
        view,
        rows,
        expiring,
        dead,
        tombstones,
        size(bytes),
        bytesPerRow.toFixed(0),
        bytesPerFeature.toFixed(1),
      ]),
    ),
  );
}

function biggestText(groups: readonly GroupReport[]): string {
  return renderTable(
    ["tenant", "biggest entities", "bytes"],
    groups.flatMap((group) => group.biggest.map(({ entity, bytes }) => [nameOf(group), stringifyJson(entity), bytes])),
  );
}

function forecastText(forecast: Forecast, primaries: number): string {
  const { entities, usedBytes, growingBytes, fragmentation, nodeBytes, nodeBytesWhileSaving } = forecast;
  const each = primaries === 1 ? "" : ` for each of ${primaries} primaries`;
  return renderTable(
    ["forecast", "memory"],
    [
      [`used by ${entities} entities and all else`, size(usedBytes)],
      ["more while the tables of keys grow", size(growingBytes)],
      [`a node${each}, fragmentation ${fragmentation.toFixed(2)}, a quarter in reserve`, size(nodeBytes)],
      [`the same while it saves under many writes${each}`, size(nodeBytesWhileSaving)],
    ],
  );
}

function nameOf({ tenant, joinKeys }: GroupReport): string {
  return joinKeys === undefined ? tenant : `${tenant} (${joinKeys.join(", ")})`;
}

/** What is not the values of features. */
function overheadOf({ parts, bytes }: GroupReport): number {
  return 1 - parts.values / bytes;
}

function size(bytes: number): string {
  if (bytes < 1e5) return `${bytes} B`;
  if (bytes < 1e8) return `${(bytes / 1e6).toFixed(2)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
