// Teams. Cards are drawn by Microsoft's own renderer; what is pressed is told by its place in the card.
import * as AdaptiveCards from "adaptivecards";
import { useEffect, useRef, useState } from "react";
import { Author, Composer, Empty, InThread, Log, Modal, Places } from "./common.jsx";

const colour = (dark, light) => ({ default: dark, subtle: light });
const CONFIG = (dark) => {
  const ink = dark ? colour("#ffffff", "#c8c6c4") : colour("#252423", "#5b5956");
  const style = (background) => ({
    backgroundColor: background,
    foregroundColors: {
      default: ink,
      accent: dark ? colour("#a6a7f2", "#a6a7f2") : colour("#464eb8", "#464eb8"),
      good: dark ? colour("#92c353", "#92c353") : colour("#237b4b", "#237b4b"),
      warning: dark ? colour("#f8d22a", "#f8d22a") : colour("#835c00", "#835c00"),
      attention: dark ? colour("#ff8a8a", "#ff8a8a") : colour("#a4262c", "#a4262c"),
    },
  });
  return new AdaptiveCards.HostConfig({
    fontFamily: "inherit",
    textBlock: { headingLevel: 3 },
    separator: { lineThickness: 1, lineColor: dark ? "#484644" : "#e1dfdd" },
    containerStyles: {
      default: style(dark ? "#292929" : "#ffffff"),
      emphasis: style(dark ? "#1f1f1f" : "#f3f2f1"),
      accent: style(dark ? "#2f2f4a" : "#e8ebfa"),
      good: style(dark ? "#1b3a1b" : "#e7f2da"),
      warning: style(dark ? "#3d3200" : "#fbf6d9"),
      attention: style(dark ? "#442726" : "#fcf4f6"),
    },
    actions: { maxActions: 6, actionsOrientation: "horizontal", actionAlignment: "left" },
  });
};

// Where each action stands in the card, as a path of keys, so that the server finds the very same one.
function* actionsOf(node, path = []) {
  if (Array.isArray(node)) for (const [i, one] of node.entries()) yield* actionsOf(one, [...path, i]);
  else if (node && typeof node === "object") {
    if (String(node.type).startsWith("Action.")) yield [node, path];
    for (const [key, one] of Object.entries(node))
      if (!["data", "fallback", "refresh", "msteams", "requires"].includes(key)) yield* actionsOf(one, [...path, key]);
  }
}

const same = (action, raw) =>
  raw.type === action.getJsonTypeName() && (raw.title ?? "") === (action.title ?? "") &&
  JSON.stringify(raw.data ?? null) === JSON.stringify(action.raw ?? null);

function Card({ card, theme, act, seen }) {
  const box = useRef(null);
  const text = JSON.stringify(card);
  useEffect(() => {
    const drawn = new AdaptiveCards.AdaptiveCard();
    drawn.hostConfig = CONFIG(theme === "dark");
    const context = new AdaptiveCards.SerializationContext();
    const raw = JSON.parse(text);
    const known = [...actionsOf(raw)];
    // The renderer changes an action's data when it gathers inputs: what it was is noted while it is read.
    context.onParseAction = (action, json) => (action.raw = json.data ?? null);
    drawn.parse(raw, context);
    drawn.onExecuteAction = (action) => {
      if (action instanceof AdaptiveCards.OpenUrlAction) return window.open(action.url, "_blank", "noopener");
      const found = known.find(([one]) => same(action, one));
      const inputs = Object.fromEntries(drawn.getAllInputs().map((one) => [one.id, one.value]));
      const own = (action.associatedInputs ?? "auto").toString().toLowerCase() === "none" ? {} : inputs;
      if (found) act(found[1], own);
    };
    const held = box.current.contains(document.activeElement);
    box.current.replaceChildren(drawn.render());
    // A button that is gone takes the keyboard's place with it: it stays with the card.
    if (held) box.current.focus({ preventScroll: true });
  }, [text, theme]);
  useEffect(() => {
    if (seen) seen();
  }, [text]);
  return <div className="card" ref={box} tabIndex={-1} />;
}

AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  // What the app's cards use of Markdown: emphasis and links. Everything else is shown as it is typed.
  const safe = text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
  result.outputHtml = safe
    .replace(/\[([^\]]+)\]\((https:[^)\s]+)\)/g, '<a href="$2" target="_blank" rel="noopener">$1</a>')
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/(^|\s)_([^_]+)_/g, "$1<em>$2</em>")
    .replace(/\\([\\`*_{}[\]()#+\-.!~|>])/g, "$1")
    .replace(/\n/g, "<br>");
  result.didProcess = true;
};

export function TeamsPane({ t, theme, state, send }) {
  const [here, setHere] = useState(state.places.find((one) => one.name === "Campaigns").id);
  const [thread, setThread] = useState(null);
  const [mention, setMention] = useState(true);
  const place = state.places.find((one) => one.id === here);
  const messages = state.messages[here] ?? [];
  const go = (id) => {
    setHere(id);
    setThread(null);
  };
  const places = state.places.map((one) => ({ id: one.id, label: one.kind === "channel" ? `# ${one.name}` : one.name }));
  return (
    <section className="pane teams" aria-label="Teams">
      <h2>Teams</h2>
      <Places label={t("teams.places")} places={places} here={here} go={go} />
      <Log key={here} label={t("messages")} count={messages.length}>
        {!messages.length && (
          <Empty words={t("teams.empty")} button={state.commands[0].title}
            start={() => send("type", { place: here, text: state.commands[0].title, mention: true })} />
        )}
        {messages.map((one) => (
          <article key={one.id} className={one.root && one.root !== one.id ? "reply" : undefined}>
            <Author name={one.author} bot={one.bot} marks={[one.edited && t("edited")]} />
            {one.text && <p>{one.text.replace(/<at>([^<]*)<\/at>/g, "@$1")}</p>}
            {one.card && (
              <Card card={one.card} theme={theme}
                act={(path, inputs) => send("press", { place: here, message: one.id, path, inputs })}
                seen={one.refreshes ? () => send("seen", { place: here, message: one.id }) : null} />
            )}
            {place.kind === "channel" && (
              <button className="link" onClick={() => setThread(one.root ?? one.id)}>
                {t("reply")}
              </button>
            )}
          </article>
        ))}
      </Log>
      {thread && <InThread t={t} leave={() => setThread(null)} />}
      <Composer label={t("teams.write")} button={t("send")}
        placeholder={place.kind === "personal" ? t("slack.write_dm") : t("teams.write_channel")}
        offers={state.commands.map((one) => ({ text: one.title, about: one.description }))}
        type={(text) => send("type", { place: here, text, mention, root: thread })}>
        {place.kind !== "personal" && (
          <label className="mention">
            <input type="checkbox" checked={mention} onChange={(event) => setMention(event.target.checked)} /> @{state.app.name}
          </label>
        )}
        {state.extension.map((one) => (
          <button key={one.id} type="button" title={one.title} aria-label={one.title} onClick={() => send("extension", { id: one.id, place: here })}>
            +
          </button>
        ))}
      </Composer>
      {state.task && (
        <Modal title={state.task.title} close={() => send("task_close")} closeLabel={t("close")}>
          <Card card={state.task.card} theme={theme} act={(path, inputs) => send("task", { path, inputs })} />
        </Modal>
      )}
    </section>
  );
}
