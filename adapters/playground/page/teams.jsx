// Teams. Microsoft's renderer renders the cards; a pressed action is identified by its path in the card.
import * as AdaptiveCards from "adaptivecards";
import { useEffect, useRef, useState } from "react";
import { Author, Composer, Conversations, Empty, InThread, Log, Modal, startOf, useMessageLinks } from "./common.jsx";

const color = (dark, light) => ({ default: dark, subtle: light });
const hostConfig = (dark) => {
  const ink = dark ? color("#ffffff", "#c8c6c4") : color("#252423", "#5b5956");
  const style = (background) => ({
    backgroundColor: background,
    foregroundColors: {
      default: ink,
      accent: dark ? color("#a6a7f2", "#a6a7f2") : color("#464eb8", "#464eb8"),
      good: dark ? color("#92c353", "#92c353") : color("#237b4b", "#237b4b"),
      warning: dark ? color("#f8d22a", "#f8d22a") : color("#835c00", "#835c00"),
      attention: dark ? color("#ff8a8a", "#ff8a8a") : color("#a4262c", "#a4262c"),
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

// Yields each action and its path of keys, by which the server finds it.
function* actionsOf(node, path = []) {
  if (Array.isArray(node)) for (const [i, item] of node.entries()) yield* actionsOf(item, [...path, i]);
  else if (node && typeof node === "object") {
    if (String(node.type).startsWith("Action.")) yield [node, path];
    for (const [key, value] of Object.entries(node))
      if (!["data", "fallback", "refresh", "msteams", "requires"].includes(key)) yield* actionsOf(value, [...path, key]);
  }
}

const isSame = (action, raw) =>
  raw.type === action.getJsonTypeName() && (raw.title ?? "") === (action.title ?? "") &&
  JSON.stringify(raw.data ?? null) === JSON.stringify(action.raw ?? null);

const parseLink = (url) => {
  const [, conversation, message] = url.match(/\/l\/message\/([^/]+)\/(\d+)/) ?? [];
  return conversation && { conversation: decodeURIComponent(conversation), message };
};

// What a text after a slash does, as the menu of Teams: opens a form, or is sent to the app only. Null: an ordinary text.
const parseSlash = (text, { app, slash, extension }) => {
  if (!text.startsWith("/")) return null;
  const words = text.slice(1);
  const begins = (name) => `${words} `.toLowerCase().startsWith(`${name} `.toLowerCase());
  const form = extension.find(({ title }) => begins(title));
  if (form) return { form: form.id };
  if (begins(app.name)) return { text: words.slice(app.name.length).trim() };
  return slash.some(({ title }) => begins(title)) ? { text: words } : null;
};

function Card({ card, theme, press, refresh, open }) {
  const container = useRef(null);
  const json = JSON.stringify(card);
  useEffect(() => {
    const renderer = new AdaptiveCards.AdaptiveCard();
    renderer.hostConfig = hostConfig(theme === "dark");
    const context = new AdaptiveCards.SerializationContext();
    const raw = JSON.parse(json);
    const actions = [...actionsOf(raw)];
    // The renderer adds inputs to an action's data: store the original.
    context.onParseAction = (action, json) => (action.raw = json.data ?? null);
    renderer.parse(raw, context);
    renderer.onExecuteAction = (action) => {
      if (action instanceof AdaptiveCards.OpenUrlAction) return open(action.url) || window.open(action.url, "_blank", "noopener");
      const match = actions.find(([json]) => isSame(action, json));
      const inputs = Object.fromEntries(renderer.getAllInputs().map(({ id, value }) => [id, value]));
      const sent = (action.associatedInputs ?? "auto").toString().toLowerCase() === "none" ? {} : inputs;
      if (match) press(match[1], sent);
    };
    const hadFocus = container.current.contains(document.activeElement);
    container.current.replaceChildren(renderer.render());
    // When the focused button disappears, move the focus to its card.
    if (hadFocus) container.current.focus({ preventScroll: true });
  }, [json, theme]);
  useEffect(() => {
    if (refresh) refresh();
  }, [json]);
  return <div className="card" ref={container} tabIndex={-1} />;
}

AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  // Supports the Markdown of the app's cards, emphasis and links; other text is shown as it is.
  const safe = text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
  result.outputHtml = safe
    .replace(/\[([^\]]+)\]\((https:[^)\s]+)\)/g, '<a href="$2" target="_blank" rel="noopener">$1</a>')
    .replace(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>")
    .replace(/(^|\s)_([^_]+)_/g, "$1<em>$2</em>")
    .replace(/\\([\\`*_{}[\]()#+\-.!~|>])/g, "$1")
    .replace(/\n/g, "<br>");
  result.didProcess = true;
};

export function TeamsPane({ t, theme, state, send }) {
  const [selected, setSelected] = useState(startOf(state));
  const [thread, setThread] = useState(null);
  const [mention, setMention] = useState(true);
  const conversation = state.conversations.find(({ id }) => id === selected);
  const messages = state.messages[selected] ?? [];
  const select = (id) => {
    setSelected(id);
    setThread(null);
  };
  const open = useMessageLinks(parseLink, select);
  const isShared = conversation.kind !== "personal";
  const type = (text) => {
    const command = isShared && parseSlash(text, state);
    if (command?.form) return send("extension", { id: command.form, conversation: selected });
    const how = command?.text ? { text: command.text, slash: true } : { text, mention };
    return send("type", { conversation: selected, root: thread, ...how });
  };
  const slash = [
    ...[...state.slash, ...state.extension].map(({ title, description }) => ({ text: `/${title}`, about: description })),
    { text: `/${state.app.name}`, hint: "…", about: t("teams.slash") },
  ];
  const conversations = state.conversations.map(({ id, kind, name }) => ({ id, label: kind === "channel" ? `# ${name}` : name }));
  return (
    <section className="pane teams" aria-label="Teams">
      <h2>Teams</h2>
      <Conversations label={t("teams.places")} conversations={conversations} selected={selected} select={select} />
      <Log key={selected} label={t("messages")} count={messages.length}>
        {!messages.length && (
          <Empty t={t} text={t("teams.empty")} word={t("word")}
            type={(text) => send("type", { conversation: selected, text, mention: true })} />
        )}
        {messages.map((message) => (
          <article key={message.id} id={message.id} tabIndex={-1} className={message.root && message.root !== message.id ? "reply" : undefined}>
            <Author name={message.author} bot={message.bot} labels={[message.targeted && t("teams.only_you"), message.edited && t("edited")]} />
            {message.prompt && <blockquote>{message.prompt}</blockquote>}
            {message.text && <p>{message.text.replace(/<at>([^<]*)<\/at>/g, "@$1")}</p>}
            {message.card && (
              <Card card={message.card} theme={theme} open={open}
                press={(path, inputs) => send("press", { conversation: selected, message: message.id, path, inputs })}
                refresh={message.refreshes ? () => send("refresh", { conversation: selected, message: message.id }) : null} />
            )}
            {conversation.kind === "channel" && !message.targeted && (
              <button className="link" onClick={() => setThread(message.root ?? message.id)}>
                {t("reply")}
              </button>
            )}
          </article>
        ))}
      </Log>
      {thread && <InThread t={t} leave={() => setThread(null)} />}
      <Composer label={t("teams.write")} button={t("send")}
        placeholder={conversation.kind === "personal" ? t("slack.write_dm") : t("teams.write_channel")}
        suggestions={[...state.commands.map(({ title, description }) => ({ text: title, about: description })),
          ...(isShared ? slash : [])]}
        type={type}>
        {isShared && (
          <label className="mention">
            <input type="checkbox" checked={mention} onChange={(event) => setMention(event.target.checked)} /> @{state.app.name}
          </label>
        )}
        {state.extension.map(({ id, title }) => (
          <button key={id} type="button" title={title} aria-label={title} onClick={() => send("extension", { id, conversation: selected })}>
            +
          </button>
        ))}
      </Composer>
      {state.task && (
        <Modal title={state.task.title} close={() => send("task_close")} closeLabel={t("close")}>
          <Card card={state.task.card} theme={theme} press={(path, inputs) => send("task", { path, inputs })} />
        </Modal>
      )}
    </section>
  );
}
