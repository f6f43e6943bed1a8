-- Removes rows of one view, each iff its bytes are still the given ones; comparison and removal are one step, so that a newer row stays.
--
-- KEYS   the entity hash of each row
-- ARGV   1 field of the view; 2.. the bytes that each row must still have
-- reply  one byte per row: r removed, k kept: it is another row by now, or gone, or the key holds another type than a hash
-- limit  256 rows, refused beyond: Redis serves nobody else meanwhile
local call, pcall, out = redis.call, redis.pcall, {}
if #KEYS > 256 then return redis.error_reply('ERR at most 256 rows in one batch') end
for i = 1, #KEYS do
  local stored = pcall('HGET', KEYS[i], ARGV[1])
  out[i] = 'k'
  if type(stored) == 'table' then
    if string.sub(stored.err, 1, 9) ~= 'WRONGTYPE' then return stored end
  elseif stored and stored == ARGV[i + 1] then
    call('HDEL', KEYS[i], ARGV[1])
    out[i] = 'r'
  end
end
return table.concat(out)
