// What a script says in the language of its page: the English words are the key, the page brings the others
// (`script_words` in stages/templatetags/floor.py). Gaps are {named}.
const known = JSON.parse(document.getElementById("script-words")?.textContent ?? "{}");
const rules = new Intl.PluralRules(document.documentElement.lang || "en");
const fill = (text, gaps) => text.replace(/\{(\w+)\}/g, (_, name) => gaps[name] ?? "");

export const tr = (text, gaps = {}) => fill(known[text] ?? text, gaps);

// many(3, "{n} song", "{n} songs"): of one and of more, and of the few that Polish has in between.
export function many(n, one, more) {
  const forms = known[one] ?? [one, more];
  return fill(forms[{ one: 0, few: 1 }[rules.select(n)] ?? forms.length - 1] ?? forms.at(-1), { n });
}
