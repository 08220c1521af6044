// Names and values in the form that MLflow takes.
//
//   mlflow_name("eval/acc (top 5)") == "eval/acc _top 5_"
//   mlflow_param(nlohmann::ordered_json(nullptr)) == "None"
//
// Source of the limits: validation.py of MLflow 3.17.2.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace downbeat {

constexpr std::size_t kMLflowParamBytes = 6000;
constexpr std::size_t kMLflowTagBytes = 8000;

// As HuggingFace: what is none of 0-9 A-Z a-z _ - . space : / becomes _, a whole character at a time. Besides, what
// MLflow refuses as a path: no empty, "." or ".." part, nothing that begins with "..", at most 250 characters.
std::string mlflow_name(const std::string& name);

// As Python's str() for None, True, numbers and text; JSON for lists and objects.
std::string mlflow_param(const nlohmann::ordered_json& value);

// At most so many bytes, whole characters.
std::string cut(const std::string& text, std::size_t bytes);

double number_of(const nlohmann::json& value);  // the way back from json_number()

}  // namespace downbeat
