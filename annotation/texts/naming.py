"""Texts that name the model that wrote them: whoever ranks them would know whose they are. Pure.

Only a text that speaks of itself counts ("I am Claude", "as an AI language model by OpenAI"); one that speaks of
models ("ChatGPT was released in 2022") does not. It reads English, and the names that it knows are listed here.
"""

import re

_NAMES = (
    r"ChatGPT|GPT[- ]?\d\w*|Claude|Gemini|Gemma|Bard|PaLM|LaMDA|Llama|Alpaca|Vicuna|Koala|Qwen|Tongyi Qianwen|Mistral|"
    r"Mixtral|DeepSeek|Grok|Copilot|Bing Chat|Phi-?\d|Falcon|Command R|Kimi|ERNIE|ChatGLM|GLM-?\d|InternLM|Baichuan|"
    r"Open ?Assistant|Dolly|StableLM|Pythia|OLMo|SmolLM|HuggingChat"
)
_MAKERS = (
    r"OpenAI|Anthropic|Google|DeepMind|Meta|Facebook|Alibaba|Mistral(?: AI)?|DeepSeek|xAI|Microsoft|Cohere|Baidu|Zhipu|"
    r"Moonshot|LAION|Stability AI|EleutherAI|Databricks|Hugging ?Face|Inflection|Nvidia|Tencent|ByteDance|AI2|Allen AI"
)
_KIND = r"(?:(?:a|an|the)\s+)?(?:[\w-]+\s+){0,4}?(?:model|assistant|AI|chatbot|bot|program)"
_TRAINED = r"(?:developed|trained|created|made|built|designed|fine-tuned)"
_SELF = re.compile(
    rf"""
    \b(?: I\s+am | I['\u2019]m | my\s+name\s+is | call\s+me | you\s+are\s+(?:talking|chatting)\s+(?:to|with) )
       ,?\s+ (?: {_KIND},?\s+ (?:called\s+|named\s+)? )? (?-i:(?:{_NAMES})\b)
    | \b(?: as | I\s+am | I['\u2019]m )\s+ {_KIND},?\s+ (?:{_TRAINED}\s+)? (?:by|from)\s+ (?:{_MAKERS})\b
    | \b(?: I\s+was | I['\u2019]ve\s+been | I\s+have\s+been )\s+ {_TRAINED}\s+by\s+ (?:{_MAKERS})\b
    | \bmy\s+(?:creators?|developers?|makers?)\s+(?:at|is|are),?\s+ (?:{_MAKERS})\b
    | \bas\s+ (?:{_NAMES}), \s+ I\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Nearly all texts hold none of these, which is seen four times as fast: an import looks at every text.
_WORDS = """
    gpt claude gemini gemma bard palm lamda llama alpaca vicuna koala qwen qianwen mistral mixtral deepseek grok copilot
    bing falcon kimi ernie glm internlm baichuan dolly stablelm pythia olmo smollm phi hugging openai anthropic google
    deepmind meta facebook alibaba xai microsoft cohere baidu zhipu moonshot laion stability eleutherai databricks
    inflection nvidia tencent bytedance ai2 openassistant
"""
_HINTS = (*_WORDS.split(), "command r", "open assistant", "allen ai")
# Where it stands within so many characters: a model introduces itself at the start, and the whole of a long text
# would be searched for nothing.
_LOOKED_AT = 20_000


def names_its_model(text: str) -> str | None:
    """The words in which ``text`` names the model that wrote it, or None."""
    lowered = text[:_LOOKED_AT].lower()
    # A loop, because a generator would take three times as long, and an import looks at millions of texts.
    for hint in _HINTS:
        if hint in lowered:
            match = _SELF.search(text, 0, _LOOKED_AT)
            return " ".join(match.group().split()) if match else None
    return None
