/// <reference path="./snappyjs.d.ts" />
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { missingPackages } from "../stream-errors.ts";

/** A codec as kafkajs takes it; `compress` gets what kafkajs has encoded. */
export interface Codec {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>;
  decompress(buffer: Buffer): Promise<Buffer>;
}

/** Snappy in the framing of Java's xerial library, as Kafka's clients write it; bare blocks are read, too. */
export const snappyCodec: Codec = {
  async compress({ buffer }) {
    const { compress } = await load(import("snappyjs"), "snappyjs");
    const block = compress(buffer);
    const header = Buffer.alloc(XERIAL.length + 12);
    XERIAL.copy(header);
    header.writeInt32BE(1, XERIAL.length); // version
    header.writeInt32BE(1, XERIAL.length + 4); // the oldest version that reads it
    header.writeInt32BE(block.length, XERIAL.length + 8);
    return Buffer.concat([header, block]);
  },
  async decompress(buffer) {
    const { uncompress } = await load(import("snappyjs"), "snappyjs");
    if (!buffer.subarray(0, XERIAL.length).equals(XERIAL)) return Buffer.from(uncompress(buffer));
    const blocks: Uint8Array[] = [];
    for (let at = XERIAL.length + 8; at < buffer.length; ) {
      const length = buffer.readInt32BE(at);
      blocks.push(uncompress(buffer.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    return Buffer.concat(blocks);
  },
};

export const lz4Codec: Codec = {
  async compress({ buffer }) {
    return (await load(import("lz4-napi"), "lz4-napi")).compressFrame(buffer);
  },
  async decompress(buffer) {
    return (await load(import("lz4-napi"), "lz4-napi")).decompressFrame(buffer);
  },
};

const compressZstd = promisify(zstdCompress);
const decompressZstd = promisify(zstdDecompress);

export const zstdCodec: Codec = {
  compress: ({ buffer }) => compressZstd(buffer),
  decompress: (buffer) => decompressZstd(buffer),
};

const XERIAL = Buffer.from([0x82, ...Buffer.from("SNAPPY"), 0]);

/** Installed only where topics use them: a topic in gzip, zstd or without compression needs neither. */
async function load<T>(loading: Promise<T>, name: string): Promise<T> {
  try {
    return await loading;
  } catch (cause) {
    throw missingPackages("kafkajs", name, cause);
  }
}
