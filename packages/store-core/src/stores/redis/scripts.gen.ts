// Made by scripts/embed-lua.ts from scripts/*.lua: change those, then run `pnpm embed-lua`.

export const DELETE_ROWS = `
-- Removes rows of some entities and counts them.
--
-- KEYS   entity hashes; a key that does not exist counts nothing
-- ARGV   1 field of the view whose rows go; absent: every row of the entity goes
-- reply  number of rows removed. A key of another type than hash counts as one and goes only when the whole entity does.
-- limit  256 keys, kept by the caller
local call, pcall, removed = redis.call, redis.pcall, 0
for i = 1, #KEYS do
  if ARGV[1] then
    local count = pcall('HDEL', KEYS[i], ARGV[1])
    if type(count) == 'number' then
      removed = removed + count
    elseif string.sub(count.err, 1, 9) ~= 'WRONGTYPE' then
      return count
    end
  else
    local count = pcall('HLEN', KEYS[i])
    if type(count) ~= 'number' then
      if string.sub(count.err, 1, 9) ~= 'WRONGTYPE' then return count end
      count = 1
    end
    if count > 0 then call('UNLINK', KEYS[i]) end
    removed = removed + count
  end
end
return removed
`;

export const GATHER = `
-- Reads N hashes x M fields as one blob, so that the client makes no object per row. Read-only: runs by EVALSHA_RO.
--
-- KEYS   one entity hash per entity; a key may repeat
-- ARGV   one field per view
-- reply  MessagePack in a bulk string: an array of N elements; with M = 1 each is a cell, otherwise an array of M cells. A cell is the row's
--        bytes, or false where there is none. A key of another type than hash has empty cells: no row is empty, so it reads as undecodable.
-- limit  N x M <= 1000, kept by the caller: Redis serves nobody else meanwhile (about 0.55 ms at the limit)
local out, pcall = {}, redis.pcall
if #ARGV == 1 then
  local field = ARGV[1]
  for i = 1, #KEYS do
    local cell = pcall('HGET', KEYS[i], field)
    if type(cell) == 'table' then
      if string.sub(cell.err, 1, 9) ~= 'WRONGTYPE' then return cell end
      cell = ''
    end
    out[i] = cell
  end
else
  for i = 1, #KEYS do
    local cells = pcall('HMGET', KEYS[i], unpack(ARGV))
    if cells.err then
      if string.sub(cells.err, 1, 9) ~= 'WRONGTYPE' then return cells end
      cells = {}
      for j = 1, #ARGV do cells[j] = '' end
    end
    out[i] = cells
  end
end
return cmsgpack.pack(out)
`;

export const PUT_META = `
-- Writes a named blob iff its revision is still the expected one.
--
-- KEYS   1 hash of the blob: r revision, b bytes
-- ARGV   1 expected revision, empty: the blob must not exist; 2 bytes
-- reply  the new revision, or false when the expectation did not hold
--
-- A revision is the server's time in microseconds, and always more than the one before: a blob that was removed and written again never
-- shows an old revision.
local old = redis.call('HGET', KEYS[1], 'r')
if (old or '') ~= ARGV[1] then return false end
local time = redis.call('TIME')
local revision = math.max(time[1] * 1000000 + time[2], (tonumber(old) or 0) + 1)
local text = string.format('%.0f', revision)
redis.call('HSET', KEYS[1], 'r', text, 'b', ARGV[2])
return text
`;

export const PUT_ROWS = `
-- Writes rows of one view, each iff it is greater than the stored one; comparison and write are one step.
--
-- KEYS   the entity hash of each row; a key may repeat, later rows meet what earlier ones left
-- ARGV   1 field of the view; 2 when each row may go: one big-endian double per row, milliseconds since the epoch, infinity = never;
--        3.. one packed row per key
-- reply  one byte per row: a applied, A applied with only the bytes to decide, d duplicate, s stale, S stale with only the bytes to decide,
--        w not written because the key holds another type than a hash
-- limit  256 rows, refused beyond: Redis serves nobody else meanwhile (about 0.25 ms for 100 rows)
--
-- Rows are compared as unsigned bytes. Their first 16 are read as four numbers, which Lua holds exactly. Never by Lua's \`<\` on strings, which
-- sorts by the server's locale and gets times wrong under en_US.UTF-8; \`==\` and string.byte do not depend on it.
--
-- Expiry belongs to the whole hash, so it is the latest of its views and only ever extended: PEXPIREAT .. GT. GT never sets a first expiry, so
-- a new key takes the plain form, and leaves a key without expiry as it is, so a view without TTL keeps its siblings. A plain PEXPIREAT in the
-- past deletes the key: on a new key that is the row itself, which was past its time.
local call, pcall, up, byte = redis.call, redis.pcall, struct.unpack, string.byte
if #KEYS > 256 then return redis.error_reply('ERR at most 256 rows in one batch') end

-- Order of two different byte strings whose first bytes may be equal: true iff x > y.
local function greater(x, y)
  local n = math.min(#x, #y)
  for i = 1, n do
    local p, q = byte(x, i), byte(y, i)
    if p ~= q then return p > q end
  end
  return #x > #y
end

-- a, A, s or S for two different rows.
local function compare(new, old)
  if #new < 16 or #old < 16 then
    local tie = #new >= 15 and #old >= 15 and string.sub(new, 1, 15) == string.sub(old, 1, 15)
    if greater(new, old) then return tie and 'A' or 'a' end
    return tie and 'S' or 's'
  end
  local a, b, c, d = up('>I4I4I4I4', new)
  local e, f, g, h = up('>I4I4I4I4', old)
  if a ~= e then return a > e and 'a' or 's' end
  if b ~= f then return b > f and 'a' or 's' end
  if c ~= g then return c > g and 'a' or 's' end
  -- Bytes 13-15 still belong to the order of times and kind; the 16th is already values.
  local k, l = math.floor(d / 256), math.floor(h / 256)
  if k ~= l then return k > l and 'a' or 's' end
  return greater(new, old) and 'A' or 'S'
end

local field, expiries, out = ARGV[1], ARGV[2], {}
for i = 1, #KEYS do
  local key, new = KEYS[i], ARGV[i + 2]
  local old = pcall('HGET', key, field)
  local outcome
  if not old then
    outcome = 'a'
  elseif type(old) == 'table' then
    if string.sub(old.err, 1, 9) ~= 'WRONGTYPE' then return old end
    outcome = 'w'
  elseif old == new then
    outcome = 'd'
  else
    outcome = compare(new, old)
  end
  if outcome == 'a' or outcome == 'A' or outcome == 'd' then
    local known = old or call('EXISTS', key) == 1
    if outcome ~= 'd' then call('HSET', key, field, new) end
    -- A duplicate extends as well: its view's TTL may have grown since.
    local expiry = up('>d', expiries, i * 8 - 7)
    if expiry == math.huge then
      if known then call('PERSIST', key) end
    elseif known then
      call('PEXPIREAT', key, expiry, 'GT')
    else
      call('PEXPIREAT', key, expiry)
    end
  end
  out[i] = outcome
end
return table.concat(out)
`;
