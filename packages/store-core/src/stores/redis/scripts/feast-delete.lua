-- Removes rows in Feast's layout and counts them.
--
-- KEYS   entity hashes; a key that does not exist counts nothing
-- ARGV   1 not empty: the views are all that are known; then per view whose rows go: field of the event time, field of the mark, fields of its
--        features, four bytes each
-- reply  number of rows removed. A key of another type than hash counts as one and goes only with all views.
-- limit  256 keys, kept by the caller
--
-- Also removes what the mark says that the last row had (feast-put.lua). A hash without any event time left goes as a whole, as Feast does it:
-- what remains are fields of features that no definition knows any more.
local pcall, byte, sub, removed = redis.pcall, string.byte, string.sub, 0
local MOST = 4000

local function names(list, from, into)
  for at = from, #list - 3, 4 do into[#into + 1] = sub(list, at, at + 3) end
end

for i = 1, #KEYS do
  local key, touched = KEYS[i], false
  for view = 2, #ARGV, 3 do
    local timeField, markField, features = ARGV[view], ARGV[view + 1], ARGV[view + 2]
    local old = pcall('HMGET', key, timeField, markField)
    if old.err then
      if sub(old.err, 1, 9) ~= 'WRONGTYPE' then return old end
      if ARGV[1] ~= '' then
        redis.call('UNLINK', key)
        removed = removed + 1
      end
      break
    end
    if old[1] or old[2] then
      local gone = { timeField, markField }
      names(features, 1, gone)
      if old[2] and byte(old[2]) == 1 then names(old[2], 2, gone) end
      for at = 1, #gone, MOST do redis.call('HDEL', key, unpack(gone, at, math.min(at + MOST - 1, #gone))) end
      if old[1] then removed = removed + 1 end
      touched = true
    end
  end
  if touched then
    local left = redis.call('HKEYS', key)
    local alive = false
    for j = 1, #left do alive = alive or sub(left[j], 1, 4) == '_ts:' end
    if #left > 0 and not alive then redis.call('UNLINK', key) end
  end
end
return removed
