-- Writes rows of one view in Feast's layout, each iff its event time is later than the stored one; comparison and write are one step, which Feast's
-- own writer makes two.
--
-- KEYS   the entity hash of each row; a key may repeat, later rows meet what earlier ones left
-- ARGV   1 field of the event time; 2 field of the mark; 3 seconds that the whole hash lives from this write on, empty: not changed;
--        4 fields of the view's features, four bytes each; 5.. one row per key, in MessagePack: an array of the event time's Timestamp and one
--        Value per feature, false where the row has none; a deletion is the Timestamp alone
-- reply  one byte per row: a applied; d duplicate: equal time and values; S stale, equal time and other values; s stale;
--        w not written, because the key holds another type than a hash, or something under the event time that is none
-- limit  256 rows, refused beyond, and a few thousand values, kept by the caller: Redis serves nobody else meanwhile
--
-- The mark is Larder's own: 1 and the fields of the row it wrote last, so that the next one leaves none of them behind, whatever its definitions
-- are; or 2 and the Timestamp of a deletion, which holds until somebody writes another time. A deletion removes the features' fields (Feast reads
-- nulls) and keeps the event time.
local call, pcall, byte, sub = redis.call, redis.pcall, string.byte, string.sub
if #KEYS > 256 then return redis.error_reply('ERR at most 256 rows in one batch') end

-- Lua takes no more than about 8000 arguments.
local MOST = 4000

-- A protobuf varint of 64 bits, signed, and where it ends; nil when there is none. Exact for numbers within 2^53 of zero.
local function varint(bytes, at)
  local value, flipped, scale = 0, 0, 1
  for i = at, at + 8 do
    local b = byte(bytes, i)
    if not b then return nil end
    value = value + b % 128 * scale
    flipped = flipped + (127 - b % 128) * scale
    if b < 128 then return value, i + 1 end
    scale = scale * 128
  end
  if byte(bytes, at + 9) ~= 1 then return nil end
  return -flipped - 1, at + 10
end

-- Seconds and nanoseconds of a google.protobuf.Timestamp; nil when it is none.
local function time(bytes)
  local at, seconds, nanos = 1, 0, 0
  while at <= #bytes do
    local tag, value = byte(bytes, at), nil
    value, at = varint(bytes, at + 1)
    if not value then return nil end
    if tag == 8 then seconds = value elseif tag == 16 then nanos = value else return nil end
  end
  return seconds, nanos
end

local timeField, markField, life, names = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local fields = {}
for at = 1, #names, 4 do fields[#fields + 1] = sub(names, at, at + 3) end

-- Runs a command over a long list in several steps.
local function each(command, key, list)
  for at = 1, #list, MOST do call(command, key, unpack(list, at, math.min(at + MOST - 1, #list))) end
end

local function isDeletion(mark, stored) return mark and byte(mark) == 2 and sub(mark, 2) == stored end

-- d, S or s for a row of the stored time.
local function tie(key, row, stored, mark)
  local deletion = #row == 1
  if deletion ~= (isDeletion(mark, stored) or false) then return 's' end
  for at = 1, deletion and 0 or #fields, MOST do
    local last = math.min(at + MOST - 1, #fields)
    local values = call('HMGET', key, unpack(fields, at, last))
    for i = at, last do
      if values[i - at + 1] ~= row[i + 1] then return 'S' end
    end
  end
  return 'd'
end

local function write(key, row, old)
  local mark
  local sets, kept, gone = { timeField, row[1] }, {}, {}
  if #row == 1 then
    mark = '\2' .. row[1]
    for i = 1, #fields do gone[i] = fields[i] end
  else
    for i = 1, #fields do
      local value = row[i + 1]
      if value then
        sets[#sets + 1] = fields[i]
        sets[#sets + 1] = value
        kept[#kept + 1] = fields[i]
      else
        gone[#gone + 1] = fields[i]
      end
    end
    mark = '\1' .. (#gone == 0 and names or table.concat(kept))
  end
  if old and byte(old) == 1 and old ~= mark then
    local stays = {}
    for i = 1, #kept do stays[kept[i]] = true end
    for at = 2, #old - 3, 4 do
      local name = sub(old, at, at + 3)
      if not stays[name] then gone[#gone + 1] = name end
    end
  end
  sets[#sets + 1] = markField
  sets[#sets + 1] = mark
  each('HSET', key, sets)
  if #gone > 0 then each('HDEL', key, gone) end
  if life ~= '' then call('EXPIRE', key, life) end
end

local out = {}
for i = 1, #KEYS do
  local key, row = KEYS[i], cmsgpack.unpack(ARGV[i + 4])
  local old = pcall('HMGET', key, timeField, markField)
  local outcome
  if old.err then
    if sub(old.err, 1, 9) ~= 'WRONGTYPE' then return old end
    outcome = 'w'
  elseif not old[1] then
    outcome = 'a'
  else
    local seconds, nanos = time(row[1])
    local was, wasNanos = time(old[1])
    if not was then
      outcome = 'w'
    elseif seconds ~= was then
      outcome = seconds > was and 'a' or 's'
    elseif nanos ~= wasNanos then
      outcome = nanos > wasNanos and 'a' or 's'
    else
      outcome = tie(key, row, old[1], old[2])
    end
  end
  if outcome == 'a' then write(key, row, old[2]) end
  out[i] = outcome
end
return table.concat(out)
