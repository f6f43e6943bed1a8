-- Reads N hashes x M fields as one blob, so that the client makes no object per cell. Read-only: runs by EVALSHA_RO.
--
-- KEYS   one entity hash per entity; a key may repeat
-- ARGV   fields: one per view in the packed layout, one per feature and event time in Feast's
-- reply  MessagePack in a bulk string: an array of N elements; with M = 1 each is a cell, otherwise an array of M cells. A cell is the field's
--        bytes, false where there is none, or true where the key is of another type than hash.
-- limit  N x M <= 1000, kept by the caller: Redis serves nobody else meanwhile (about 0.55 ms at the limit)
local out, pcall = {}, redis.pcall
if #ARGV == 1 then
  local field = ARGV[1]
  for i = 1, #KEYS do
    local cell = pcall('HGET', KEYS[i], field)
    if type(cell) == 'table' then
      if string.sub(cell.err, 1, 9) ~= 'WRONGTYPE' then return cell end
      cell = true
    end
    out[i] = cell
  end
else
  for i = 1, #KEYS do
    local cells = pcall('HMGET', KEYS[i], unpack(ARGV))
    if cells.err then
      if string.sub(cells.err, 1, 9) ~= 'WRONGTYPE' then return cells end
      cells = {}
      for j = 1, #ARGV do cells[j] = true end
    end
    out[i] = cells
  end
end
return cmsgpack.pack(out)
