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
