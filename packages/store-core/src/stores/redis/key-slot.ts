/** Slots of a Redis Cluster. */
export const SLOTS = 16_384;

/**
 * The slot of a key: CRC16 (XMODEM) of the key, or of what stands between its first `{` and the next `}` if that is something
 * (redis.io/docs, cluster specification).
 */
export function keySlot(key: string | Buffer): number {
  const bytes = typeof key === "string" ? Buffer.from(key, "utf8") : key;
  const open = bytes.indexOf(OPEN);
  const close = open < 0 ? -1 : bytes.indexOf(CLOSE, open + 1);
  const tagged = close > open + 1;
  let crc = 0;
  const end = tagged ? close : bytes.length;
  for (let i = tagged ? open + 1 : 0; i < end; i++) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[((crc >> 8) ^ (bytes[i] as number)) & 0xff] as number);
  }
  return crc % SLOTS;
}

const OPEN = 0x7b;
const CLOSE = 0x7d;

const TABLE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 8;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x8000 ? ((crc << 1) ^ 0x1021) & 0xffff : (crc << 1) & 0xffff;
  return crc;
});
