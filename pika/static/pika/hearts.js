// Hearts given and taken back that the server was not told yet.
const AT_ONCE = 40; // in one message

// Send them all. `wishes`: [[playId, {sessionId, on}], …]; `settle(playId, wish)`: the server knows this one now.
// → whether anything changed there; throws what `live.ask` throws, and the rest waits.
export async function sendHearts(live, wishes, settle) {
  const [loved, others] = [true, false].map((on) => wishes.filter(([, wish]) => wish.on === on));
  let isChanged = others.length > 0;
  while (loved.length) {
    const part = loved.splice(0, AT_ONCE);
    const tracks = part.map(([playId, { sessionId }]) => ({ playId, sessionId }));
    const { liked } = await live.ask("SEND_BULK_LIKE", { payload: { tracks } });
    isChanged ||= liked > 0;
    for (const one of part) settle(...one);
  }
  for (const [playId, wish] of others) {
    await live.ask("REMOVE_LIKE", { playId, sessionId: wish.sessionId }).catch((error) => {
      if (error.code === "lost") throw error; // else the song is gone, and the heart with it
    });
    settle(playId, wish);
  }
  return isChanged;
}
