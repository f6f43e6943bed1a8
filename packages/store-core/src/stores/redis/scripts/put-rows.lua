-- Writes rows of one view, each iff it is greater than the stored one; comparison and write are one step.
--
-- KEYS   the entity hash of each row; a key may repeat, later rows meet what earlier ones left
-- ARGV   1 field of the view; 2 when each row may go: one big-endian double per row, milliseconds since the epoch, infinity = never;
--        3.. one packed row per key
-- reply  one byte per row: a applied, A applied with only the bytes to decide, d duplicate, s stale, S stale with only the bytes to decide,
--        w not written because the key holds another type than a hash
-- limit  256 rows, refused beyond: Redis serves nobody else meanwhile (about 0.25 ms for 100 rows)
--
-- Rows are compared as unsigned bytes. Their first 16 are read as four numbers, which Lua holds exactly. Never by Lua's `<` on strings, which
-- sorts by the server's locale and gets times wrong under en_US.UTF-8; `==` and string.byte do not depend on it.
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
